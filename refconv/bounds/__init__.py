"""How far may an honest kernel be off?"""
